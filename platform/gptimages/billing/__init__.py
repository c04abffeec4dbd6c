"""Billing: subscriptions and transactions through Stripe."""
