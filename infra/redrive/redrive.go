package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
)

// message is one failed event, and how it is forgotten once its function has it again.
type message struct {
	body   []byte
	forget func(context.Context) error
}

// source gives failed events until there are none.
type source interface {
	next(ctx context.Context) ([]message, error)
}

// functions takes events in.
type functions interface {
	invoke(ctx context.Context, function string, event []byte) error
}

// failed is what Lambda writes of an event that failed for good: into a queue with requestPayload, into a bucket with
// payload, a text.
type failed struct {
	RequestContext struct {
		FunctionArn string `json:"functionArn"`
	} `json:"requestContext"`
	RequestPayload json.RawMessage `json:"requestPayload"`
	Payload        string          `json:"payload"`
}

// redrive gives every failed event of a source to its function again and forgets it there. What cannot be given stays.
func redrive(ctx context.Context, from source, to functions) (given, kept int, err error) {
	for {
		all, err := from.next(ctx)
		if err != nil {
			return given, kept, err
		}
		if len(all) == 0 {
			return given, kept, nil
		}
		for _, m := range all {
			if err := again(ctx, m.body, to); err != nil {
				kept++
				continue
			}
			if err := m.forget(ctx); err != nil {
				return given, kept, fmt.Errorf("an event was given again and could not be forgotten: %w", err)
			}
			given++
		}
	}
}

func again(ctx context.Context, body []byte, to functions) error {
	var f failed
	if err := json.Unmarshal(body, &f); err != nil {
		return fmt.Errorf("a failed event could not be read: %w", err)
	}
	event := []byte(f.RequestPayload)
	if len(event) == 0 {
		event = []byte(f.Payload)
	}
	if len(event) == 0 || f.RequestContext.FunctionArn == "" {
		return fmt.Errorf("a failed event names no function or has no payload")
	}
	return to.invoke(ctx, unqualified(f.RequestContext.FunctionArn), event)
}

// unqualified drops the version of a function's ARN.
func unqualified(arn string) string {
	parts := strings.Split(arn, ":")
	if len(parts) == 8 {
		parts = parts[:7]
	}
	return strings.Join(parts, ":")
}
