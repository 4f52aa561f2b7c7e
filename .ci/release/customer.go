package main

import "context"

func customer(ctx context.Context, r *repository) error { return nil }
