"""What is read afterwards: reports, certificates, and the capsule of a failed run."""
