"""Puts the product where its user finds it, and takes it away again. No admin rights, no security setting."""
