"""A disk that loses, tears and refuses: a small library in C, loaded before Python, and how tests steer it."""
