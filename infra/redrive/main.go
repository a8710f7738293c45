// Command redrive gives what failed for good to its functions again: events from the failures queue, records of the
// stream from the failed bucket. Every consumer takes an event twice, so a redrive may be repeated.
package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

func main() {
	stage := flag.String("stage", "dev", "the stage, or local for the stack on this machine")
	flag.Parse()
	if err := run(context.Background(), *stage); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, stage string) error {
	if stage == "local" {
		res, err := http.Post("http://127.0.0.1:8081/_local/redrive", "application/json", bytes.NewReader([]byte("{}")))
		if err != nil {
			return err
		}
		defer res.Body.Close()
		_, err = io.Copy(os.Stdout, res.Body)
		return err
	}
	cfg, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return err
	}
	outputs, err := outputsOf(ctx, cfg, "pixeltrack-"+stage)
	if err != nil {
		return err
	}
	to := &lambdas{lambda.NewFromConfig(cfg)}
	for name, from := range map[string]source{
		"queue":  &queue{client: sqs.NewFromConfig(cfg), url: outputs["FailuresQueueUrl"]},
		"bucket": &bucket{client: s3.NewFromConfig(cfg), name: outputs["FailedBucket"]},
	} {
		given, kept, err := redrive(ctx, from, to)
		fmt.Printf("%s: %d given again, %d kept\n", name, given, kept)
		if err != nil {
			return err
		}
	}
	return nil
}

func outputsOf(ctx context.Context, cfg aws.Config, stack string) (map[string]string, error) {
	out, err := cloudformation.NewFromConfig(cfg).DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: &stack})
	if err != nil {
		return nil, err
	}
	if len(out.Stacks) != 1 {
		return nil, errors.New("there is no stack " + stack)
	}
	all := map[string]string{}
	for _, o := range out.Stacks[0].Outputs {
		all[aws.ToString(o.OutputKey)] = aws.ToString(o.OutputValue)
	}
	return all, nil
}

type lambdas struct{ client *lambda.Client }

func (l *lambdas) invoke(ctx context.Context, function string, event []byte) error {
	_, err := l.client.Invoke(ctx, &lambda.InvokeInput{FunctionName: &function, InvocationType: types.InvocationTypeEvent, Payload: event})
	return err
}

type queue struct {
	client *sqs.Client
	url    string
}

func (q *queue) next(ctx context.Context) ([]message, error) {
	out, err := q.client.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: &q.url, MaxNumberOfMessages: 10, WaitTimeSeconds: 2})
	if err != nil {
		return nil, err
	}
	var all []message
	for _, m := range out.Messages {
		all = append(all, message{[]byte(aws.ToString(m.Body)), func(ctx context.Context) error {
			_, err := q.client.DeleteMessage(ctx, &sqs.DeleteMessageInput{QueueUrl: &q.url, ReceiptHandle: m.ReceiptHandle})
			return err
		}})
	}
	return all, nil
}

type bucket struct {
	client *s3.Client
	name   string
	after  *string
	done   bool
}

func (b *bucket) next(ctx context.Context) ([]message, error) {
	if b.done {
		return nil, nil
	}
	out, err := b.client.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: &b.name, StartAfter: b.after, MaxKeys: aws.Int32(100)})
	if err != nil {
		return nil, err
	}
	b.done = !aws.ToBool(out.IsTruncated)
	var all []message
	for _, o := range out.Contents {
		b.after = o.Key
		object, err := b.client.GetObject(ctx, &s3.GetObjectInput{Bucket: &b.name, Key: o.Key})
		if err != nil {
			return nil, err
		}
		body, err := io.ReadAll(object.Body)
		object.Body.Close()
		if err != nil {
			return nil, err
		}
		all = append(all, message{body, func(ctx context.Context) error {
			_, err := b.client.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &b.name, Key: o.Key})
			return err
		}})
	}
	return all, nil
}
