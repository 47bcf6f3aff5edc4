"""The deep room: text in, compiled functions out."""
