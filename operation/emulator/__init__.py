"""A loopback Azure ML service: the unmodified SDK talks to it, and it executes what is submitted.

One module a concern, each with its ``ROUTES``; ``http`` is the face between a concern and the
web framework, ``state`` keeps documents on disk, ``service`` joins them, ``server`` runs them.
"""
