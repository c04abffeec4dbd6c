"""Consents and objections, each answer kept."""
