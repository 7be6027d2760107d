"""Networks that several families use, and the seeding of any network's first weights."""
