// Package clock tells the time to the product. On AWS it is the machine's time; beside the local stack an offset may
// be added, so that years can pass in a test.
package clock

import (
	"fmt"
	"time"
)

// The environment variables that an offset depends on.
const (
	OffsetVariable         = "PIXELTRACK_CLOCK_OFFSET"        // a Go duration, for example 720h
	LocalVariable          = "AWS_SAM_LOCAL"                  // "true" beside the local stack alone
	InitializationVariable = "AWS_LAMBDA_INITIALIZATION_TYPE" // always set on AWS
)

// New gives the clock for an environment: the time in UTC, moved by the offset when the environment is the local
// stack's. It refuses an offset that cannot be parsed; an offset on AWS is ignored.
func New(getenv func(string) string) (func() time.Time, error) {
	offset, err := offset(getenv)
	if err != nil {
		return nil, err
	}
	return func() time.Time { return time.Now().UTC().Add(offset) }, nil
}

func offset(getenv func(string) string) (time.Duration, error) {
	text := getenv(OffsetVariable)
	if text == "" || getenv(LocalVariable) != "true" || getenv(InitializationVariable) != "" {
		return 0, nil
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		return 0, fmt.Errorf("clock: %s: %w", OffsetVariable, err)
	}
	return d, nil
}
