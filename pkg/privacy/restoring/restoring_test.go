package restoring_test

import (
	"context"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"pixeltrack.io/platform/infra/local/calls"
	"pixeltrack.io/platform/infra/local/door"
	"pixeltrack.io/platform/infra/local/iam"
	"pixeltrack.io/platform/infra/local/identity"
	"pixeltrack.io/platform/pkg/privacy/restoring"
	"pixeltrack.io/platform/pkg/store/storetest"
)

func TestWhatATableLacks(t *testing.T) {
	ctx := context.Background()
	cfg, name := storetest.Table(t)
	behind := dynamodb.NewFromConfig(cfg)
	who := identity.New()
	d := door.New(*cfg.BaseEndpoint, who, time.Now, new(calls.Recorder), new(calls.Faults))
	web := httptest.NewServer(d)
	t.Cleanup(web.Close)
	id := who.Issue("ReplayLedger", &iam.Policy{Statements: []iam.Statement{{Effect: "Allow", Resources: []string{"arn:aws:dynamodb:us-east-1:000000000000:table/" + name},
		Actions: []string{"dynamodb:DescribeTable", "dynamodb:DescribeTimeToLive", "dynamodb:DescribeContinuousBackups"}}}})
	table := restoring.Table{Name: name, Client: dynamodb.New(dynamodb.Options{Region: "us-east-1", BaseEndpoint: &web.URL,
		Credentials: credentials.NewStaticCredentialsProvider(id.AccessKey, id.Secret, "")})}
	tests := []struct {
		name     string
		ttl      bool
		settings door.Settings
		want     []string
	}{
		{"a table that came from a recovery", false, door.Settings{}, []string{"ttl", "stream", "recovery"}},
		{"one without a stream", true, door.Settings{Recovery: true}, []string{"stream"}},
		{"one without recovery", true, door.Settings{Stream: true}, []string{"recovery"}},
		{"one that has all", true, door.Settings{Stream: true, Recovery: true}, nil},
		{"one that lost its TTL", false, door.Settings{Stream: true, Recovery: true}, []string{"ttl"}},
	}
	first, err := table.ID(ctx)
	if err != nil || first == "" {
		t.Fatalf("ID() = %q, %v; want one", first, err)
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d.Set(name, tt.settings)
			life := &types.TimeToLiveSpecification{AttributeName: aws.String("expires_at"), Enabled: &tt.ttl}
			if now, err := behind.DescribeTimeToLive(ctx, &dynamodb.DescribeTimeToLiveInput{TableName: &name}); err != nil {
				t.Fatal(err)
			} else if (now.TimeToLiveDescription.TimeToLiveStatus == types.TimeToLiveStatusEnabled) != tt.ttl {
				if _, err := behind.UpdateTimeToLive(ctx, &dynamodb.UpdateTimeToLiveInput{TableName: &name, TimeToLiveSpecification: life}); err != nil {
					t.Fatal(err)
				}
			}
			if got, err := table.Missing(ctx); err != nil || !slices.Equal(got, tt.want) {
				t.Errorf("Missing() = %v, %v; want %v", got, err, tt.want)
			}
			if again, err := table.ID(ctx); err != nil || again != first {
				t.Errorf("ID() = %q, %v; want %q still", again, err, first)
			}
		})
	}
	_, other := storetest.Table(t)
	if _, err := (restoring.Table{Client: table.Client, Name: other}).ID(ctx); err == nil {
		t.Error("a role tells of a table that is none of its own")
	}
}
