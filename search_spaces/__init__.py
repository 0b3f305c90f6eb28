"""The search spaces that ship with autokeras_lite, one TOML file each."""
