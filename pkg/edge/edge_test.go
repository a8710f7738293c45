package edge_test

import (
	"context"
	"testing"

	"github.com/aws/aws-lambda-go/events"

	"pixeltrack.io/platform/pkg/edge"
)

func TestAuthorize(t *testing.T) {
	tests := []struct {
		name, secrets, shown string
		want                 bool
	}{
		{"the secret", "one", "one", true},
		{"the old one while it is replaced", "two, one", "one", true},
		{"the new one while it replaces", "two, one", "two", true},
		{"another", "one", "two", false},
		{"none", "one", "", false},
		{"none where none is set", "", "", false},
		{"an empty one in the list", "one,", "", false},
		{"the whole list", "two,one", "two,one", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := events.APIGatewayV2CustomAuthorizerV2Request{Headers: map[string]string{"x-edge-secret": tt.shown}}
			got, err := edge.Authorize(tt.secrets)(context.Background(), r)
			if err != nil || got.IsAuthorized != tt.want {
				t.Errorf("Authorize(%q)(%q) = %v, %v; want %v", tt.secrets, tt.shown, got.IsAuthorized, err, tt.want)
			}
		})
	}
}
