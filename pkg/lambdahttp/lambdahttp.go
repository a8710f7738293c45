// Package lambdahttp runs one operation as a Lambda function behind an HTTP API.
package lambdahttp

import (
	"context"
	"encoding/base64"
	"net"
	"net/http"
	"net/url"
	"strings"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/awslabs/aws-lambda-go-api-proxy/core"
	"github.com/awslabs/aws-lambda-go-api-proxy/httpadapter"

	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/app"
)

// Start serves an operation until the process ends.
func Start(a *app.App, op api.Operation) {
	if !op.Known() {
		watch, asked := a.Watch()
		server := api.Serve(op, a.Table(), nil, a.Log()).Behind(watch.Open)
		asked()
		run(a, server)
		return
	}
	verifier, watch, asked := a.Verifier()
	server := api.Serve(op, a.Table(), verifier, a.Log()).Behind(watch.Open)
	asked()
	run(a, server)
}

// StartStatic serves an operation that reads no rows.
func StartStatic(a *app.App, op api.Operation) {
	run(a, api.Serve(op, nil, nil, a.Log()))
}

func run(a *app.App, s *api.Server) {
	s.Trust(strings.Split(a.Optional("ALLOWED_ORIGINS"), ",")...)
	adapter := httpadapter.NewV2(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		event, _ := core.GetAPIGatewayV2ContextFromContext(r.Context())
		s.Handle(w, r, api.Request{ID: event.RequestID, Source: viewer(r.Header.Get("Cloudfront-Viewer-Address"))})
	}))
	lambda.Start(func(ctx context.Context, event events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, error) {
		return adapter.ProxyWithContext(ctx, readable(event))
	})
}

// readable mends what the adapter cannot turn into a request: the path comes decoded, and may hold what no address can.
func readable(event events.APIGatewayV2HTTPRequest) events.APIGatewayV2HTTPRequest {
	event.RawPath = (&url.URL{Path: event.RawPath}).EscapedPath()
	if event.IsBase64Encoded {
		if _, err := base64.StdEncoding.DecodeString(event.Body); err != nil {
			event.IsBase64Encoded = false
		}
	}
	return event
}

// viewer takes the port off the address that the edge saw.
func viewer(address string) string {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return address
	}
	return host
}
