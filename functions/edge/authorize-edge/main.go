// Command authorize-edge believes requests that came through the edge.
package main

import (
	"github.com/aws/aws-lambda-go/lambda"

	"pixeltrack.io/platform/pkg/app"
	"pixeltrack.io/platform/pkg/app/secrets"
	"pixeltrack.io/platform/pkg/edge"
)

func main() {
	lambda.Start(edge.Authorize(secrets.Read(app.New(), "PARAM_EDGE_SECRETS")))
}
