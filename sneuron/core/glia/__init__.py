"""Astrocytes beside neurons: who reaches whom, what arrives, and how both go on."""
