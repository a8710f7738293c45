// Command demo plays the product's first journey against the running local stack, step by step.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"

	"pixeltrack.io/platform/infra/journey"
)

func main() {
	api := flag.String("api", "http://127.0.0.1:8080", "where the API answers")
	control := flag.String("control", "http://127.0.0.1:8081", "where the stack's control answers")
	flag.Parse()
	if err := journey.Play(context.Background(), &journey.Client{API: *api, Control: *control}, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
