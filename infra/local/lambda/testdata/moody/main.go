// Command moody is a function that does as its event says, for the tests of the Lambda service.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
)

type order struct {
	Do   string `json:"do"`
	File string `json:"file"`
}

var served int

func main() {
	lambda.Start(func(ctx context.Context, o order) (any, error) {
		served++
		switch o.Do {
		case "fail":
			return nil, errors.New("as ordered")
		case "panic":
			panic("as ordered")
		case "exit":
			os.Exit(3)
		case "sleep":
			time.Sleep(time.Hour)
		case "wait": // until a file is there
			for {
				if _, err := os.Stat(o.File); err == nil {
					break
				}
				time.Sleep(time.Millisecond)
			}
		case "append": // a line for each run
			f, err := os.OpenFile(o.File, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
			if err != nil {
				return nil, err
			}
			fmt.Fprintln(f, "run")
			f.Close()
			return nil, errors.New("as ordered")
		}
		lc, _ := lambdacontext.FromContext(ctx)
		deadline, _ := ctx.Deadline()
		fmt.Println("served", served)
		return map[string]any{"served": served, "pid": os.Getpid(), "request": lc.AwsRequestID, "left": time.Until(deadline).Seconds(),
			"offset": os.Getenv("PIXELTRACK_CLOCK_OFFSET"), "own": os.Getenv("OWN"), "home": os.Getenv("HOME")}, nil
	})
}
