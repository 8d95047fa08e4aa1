"""How a client gets in: certificates, tokens, keys, proxy, workspaces."""
