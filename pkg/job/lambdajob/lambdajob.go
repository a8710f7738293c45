// Package lambdajob runs one job as a Lambda function.
package lambdajob

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"

	"pixeltrack.io/platform/pkg/app"
	"pixeltrack.io/platform/pkg/job"
)

// Start runs a job for every event until the process ends. An error makes Lambda try again and, at last, send the
// event to the dead-letter queue; a *job.Partial makes it try again from one record of the stream on.
func Start(a *app.App, j job.Job) {
	if !j.Restores {
		watch, asked := a.Watch()
		j = j.Behind(watch.Open)
		asked()
	}
	lambda.Start(func(ctx context.Context, payload json.RawMessage) (any, error) {
		request := ""
		if lc, ok := lambdacontext.FromContext(ctx); ok {
			request = lc.AwsRequestID
		}
		return answer(j.Do(ctx, payload, a.Table(), a.Log(), a.Now, request))
	})
}

// answer is what Lambda is told of a run.
func answer(err error) (any, error) {
	var p *job.Partial
	if errors.As(err, &p) {
		return events.DynamoDBEventResponse{BatchItemFailures: []events.DynamoDBBatchItemFailure{{ItemIdentifier: p.From}}}, nil
	}
	return nil, err
}
