"""Settings: `schema` gives them meaning, `compose` reads them, `rules` relates them to each other."""
