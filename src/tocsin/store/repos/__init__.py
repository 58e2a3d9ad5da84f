"""SQL, one noun a file. A repository is bound to one connection; the unit of work around it commits."""
