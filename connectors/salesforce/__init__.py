"""Salesforce over its REST API: opportunities, accounts, contracts and their amendments."""
