package door_test

import (
	"context"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"pixeltrack.io/platform/infra/local/door"
	"pixeltrack.io/platform/infra/local/iam"
)

// TestWhatWasAskedWhileStartingIsNotTheRequests lets a process ask while it starts, and the door look at it when the
// process works on its first event.
func TestWhatWasAskedWhileStartingIsNotTheRequests(t *testing.T) {
	w := start(t)
	ctx := context.Background()
	id := w.identities.Issue("F", &iam.Policy{Statements: []iam.Statement{w.allow([]string{"dynamodb:GetItem"}, "ORG#*#CLIENT")}})
	early, err := new(net.Dialer).DialContext(ctx, "tcp", strings.TrimPrefix(w.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	if err := door.Overtake(ctx, w.url); err != nil {
		t.Fatal(err)
	}
	w.identities.Begin(id.AccessKey, "first")
	dials := 0
	over := &http.Transport{DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
		if dials++; dials == 1 {
			return early, nil
		}
		return new(net.Dialer).DialContext(ctx, network, address)
	}}
	defer over.CloseIdleConnections()
	c := dynamodb.New(dynamodb.Options{Region: "us-east-1", BaseEndpoint: &w.url, HTTPClient: &http.Client{Transport: over},
		Credentials: credentials.NewStaticCredentialsProvider(id.AccessKey, id.Secret, "")})
	get := func() {
		t.Helper()
		if _, err := c.GetItem(ctx, &dynamodb.GetItemInput{TableName: &w.table, Key: key("ORG#a#CLIENT", "1")}); err != nil {
			t.Fatal(err)
		}
	}
	get()
	if got := len(w.recorder.OfRequest("first")); got != 0 {
		t.Errorf("%d calls of the request; want the start's not among them", got)
	}
	get()
	over.CloseIdleConnections()
	get()
	if got := len(w.recorder.OfRequest("first")); got != 2 {
		t.Errorf("%d calls of the request; want the two after it", got)
	}
}
