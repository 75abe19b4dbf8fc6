"""How datasets, tables and models enter and leave the artifact store."""
