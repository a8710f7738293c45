package main

import (
	"context"
	"errors"
	"slices"
	"testing"
)

type batches struct {
	all       [][]string
	forgotten []string
}

func (b *batches) next(context.Context) ([]message, error) {
	if len(b.all) == 0 {
		return nil, nil
	}
	var out []message
	for _, body := range b.all[0] {
		out = append(out, message{[]byte(body), func(context.Context) error {
			b.forgotten = append(b.forgotten, body)
			return nil
		}})
	}
	b.all = b.all[1:]
	return out, nil
}

type taken []string

func (t *taken) invoke(_ context.Context, function string, event []byte) error {
	if function == "arn:aws:lambda:eu-central-1:1:function:Broken" {
		return errors.New("throttled")
	}
	*t = append(*t, function+" "+string(event))
	return nil
}

func TestRedrive(t *testing.T) {
	queue := `{"requestContext":{"functionArn":"arn:aws:lambda:eu-central-1:1:function:SendOutbox:$LATEST"},"requestPayload":{"a":1}}`
	bucket := `{"requestContext":{"functionArn":"arn:aws:lambda:eu-central-1:1:function:Cascade"},"payload":"{\"Records\":[]}"}`
	broken := `{"requestContext":{"functionArn":"arn:aws:lambda:eu-central-1:1:function:Broken"},"requestPayload":{}}`
	from, to := &batches{all: [][]string{{queue, broken}, {bucket, `no json`, `{}`}}}, new(taken)
	given, kept, err := redrive(t.Context(), from, to)
	if err != nil || given != 2 || kept != 3 {
		t.Errorf("redrive = %d given, %d kept, %v; want 2, 3", given, kept, err)
	}
	want := []string{`arn:aws:lambda:eu-central-1:1:function:SendOutbox {"a":1}`, `arn:aws:lambda:eu-central-1:1:function:Cascade {"Records":[]}`}
	if !slices.Equal(*to, want) {
		t.Errorf("taken = %q; want %q", *to, want)
	}
	if !slices.Equal(from.forgotten, []string{queue, bucket}) {
		t.Errorf("forgotten = %q; want what was given again, and nothing else", from.forgotten)
	}
}
