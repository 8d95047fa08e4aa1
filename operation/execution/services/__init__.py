"""Models behind web services of Azure ML: chosen, deployed, tried, replaced, packaged."""
