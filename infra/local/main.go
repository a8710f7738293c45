// Command local runs the product on this machine: the deployed templates, the deployed sources, and stand-ins for what
// only AWS, Resend and Stripe have.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"pixeltrack.io/platform/infra/local/control"
	"pixeltrack.io/platform/infra/local/stack"
)

func main() {
	root := flag.String("root", ".", "the source tree")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	s, err := stack.Start(ctx, stack.Options{Root: *root, Ports: stack.Standard(), Schedules: true}, control.New)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	defer s.Close()
	fmt.Printf("API %s, control and page %s, DynamoDB %s, S3 %s, Resend %s, Stripe %s. %d functions. Stop with Ctrl-C.\n",
		s.API, s.Control, s.DynamoDB, s.Objects, s.Resend, s.Payments, len(s.Cloud.Functions))
	<-ctx.Done()
}
