"""Oracle NetSuite over SuiteTalk REST: customers, projects, time, contract shells, invoices, periods."""
