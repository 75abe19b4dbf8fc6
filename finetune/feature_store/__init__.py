"""Feature groups: records with an identifier, an event time and typed features, fetched by the group's name."""
