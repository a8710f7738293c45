// Command barestore makes the store calls of reading one client and nothing else: what the CPU of a warm request is
// measured against.
package main

import (
	"context"
	"encoding/json"
	"os"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/guregu/dynamo/v2"
)

func main() {
	db := dynamo.New(aws.Config{
		Region:       os.Getenv("AWS_REGION"),
		BaseEndpoint: aws.String(os.Getenv("AWS_ENDPOINT_URL_DYNAMODB")),
		Credentials:  credentials.NewStaticCredentialsProvider(os.Getenv("AWS_ACCESS_KEY_ID"), os.Getenv("AWS_SECRET_ACCESS_KEY"), ""),
	})
	table := db.Table(os.Getenv("TABLE_NAME"))
	var gates []dynamo.Keyed
	for _, k := range gateKeys() {
		gates = append(gates, dynamo.Keys{k[0], k[1]})
	}
	lambda.Start(func(ctx context.Context, e events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, error) {
		done := make(chan error, 1)
		go func() {
			var items []map[string]any
			done <- table.Batch("PK", "SK").Get(gates...).Consistent(true).All(ctx, &items)
		}()
		var row map[string]any
		if err := table.Get("PK", os.Getenv("BENCH_PK")).Range("SK", dynamo.Equal, os.Getenv("BENCH_SK")).Consistent(true).One(ctx, &row); err != nil {
			return events.APIGatewayV2HTTPResponse{}, err
		}
		if err := <-done; err != nil {
			return events.APIGatewayV2HTTPResponse{}, err
		}
		body, err := json.Marshal(row)
		return events.APIGatewayV2HTTPResponse{StatusCode: 200, Body: string(body)}, err
	})
}

func gateKeys() (keys [][2]string) {
	if err := json.Unmarshal([]byte(os.Getenv("BENCH_GATES")), &keys); err != nil {
		panic(err)
	}
	return keys
}
