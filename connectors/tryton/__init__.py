"""Tryton: an open-source ERP with projects, time sheets, invoices and a ledger."""
