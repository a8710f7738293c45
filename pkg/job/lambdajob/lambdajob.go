// Package lambdajob runs one job as a Lambda function.
package lambdajob

import (
	"context"
	"encoding/json"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"

	"pixeltrack.io/platform/pkg/app"
	"pixeltrack.io/platform/pkg/job"
)

// Start runs a job for every event until the process ends. An error makes Lambda try again and, at last, send the
// event to the dead-letter queue.
func Start(a *app.App, j job.Job) {
	lambda.Start(func(ctx context.Context, payload json.RawMessage) error {
		request := ""
		if lc, ok := lambdacontext.FromContext(ctx); ok {
			request = lc.AwsRequestID
		}
		return j.Do(ctx, payload, a.Table(), a.Log(), a.Now, request)
	})
}
