"""The parts of each OpenAPI document that do not come from routes: introduction, errors and headers."""
