package stack

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"pixeltrack.io/platform/infra/local/door"
	"pixeltrack.io/platform/infra/local/dynoxide"
	"pixeltrack.io/platform/infra/local/iam"
	"pixeltrack.io/platform/infra/local/template"
	"pixeltrack.io/platform/infra/local/ttl"
)

// Recover makes a table of what the stack's table has in it now, as a recovery to this moment does at any time later: under
// another name, without TTL, stream and recovery. Nothing may be under way.
func (s *Stack) Recover(ctx context.Context, name string) error {
	if err := dynoxide.CreateTable(ctx, s.behind, name); err != nil {
		return err
	}
	if err := s.expires(ctx, name, false); err != nil {
		return err
	}
	pages := dynamodb.NewScanPaginator(s.behind, &dynamodb.ScanInput{TableName: &s.Cloud.Table.Name, ConsistentRead: aws.Bool(true)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return fmt.Errorf("recover: %w", err)
		}
		for part := range slices.Chunk(page.Items, 25) {
			var puts []types.WriteRequest
			for _, item := range part {
				puts = append(puts, types.WriteRequest{PutRequest: &types.PutRequest{Item: item}})
			}
			if _, err := s.behind.BatchWriteItem(ctx, &dynamodb.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{name: puts}}); err != nil {
				return fmt.Errorf("recover: %w", err)
			}
		}
	}
	return nil
}

// TurnOn gives a table that was recovered what it lacks.
func (s *Stack) TurnOn(ctx context.Context, name string) error {
	s.Door.Set(name, door.Settings{Stream: true, Recovery: true})
	return s.expires(ctx, name, true)
}

func (s *Stack) expires(ctx context.Context, name string, on bool) error {
	_, err := s.behind.UpdateTimeToLive(ctx, &dynamodb.UpdateTimeToLiveInput{TableName: &name,
		TimeToLiveSpecification: &types.TimeToLiveSpecification{AttributeName: &s.Cloud.Table.TTL, Enabled: &on}})
	if err != nil {
		return fmt.Errorf("recover: time to live: %w", err)
	}
	return nil
}

// Serve points every function at another table, as a deployment with the table's overrides does, and starts them anew. What
// the roles of the functions say of the one table they say of the other. Nothing may be under way.
func (s *Stack) Serve(name string) {
	was := s.Cloud.Table.Name
	other := func(text string) string {
		before := "table/" + was
		if text == was {
			return name
		}
		if head, rest, ok := strings.Cut(text, before); ok && (rest == "" || rest[0] == '/') {
			return head + "table/" + name + rest
		}
		return text
	}
	for _, f := range s.Cloud.Functions {
		f.Environment = maps.Clone(f.Environment)
		f.Environment["TABLE_NAME"] = name
		policy := &iam.Policy{}
		for _, st := range f.Policy.Statements {
			st.Resources = slices.Clone(st.Resources)
			for i, r := range st.Resources {
				st.Resources[i] = other(r)
			}
			policy.Statements = append(policy.Statements, st)
		}
		f.Policy = policy
	}
	s.Cloud.Table.Name, s.Cloud.Table.ARN, s.Cloud.Table.StreamARN = name, other(s.Cloud.Table.ARN), other(s.Cloud.Table.StreamARN)
	s.Recorder.Rename(s.Cloud.Table.ARN, tableARN())
	s.sweeper = &ttl.Sweeper{Client: s.Table, Table: name, Attribute: s.Cloud.Table.TTL, Stream: s.Stream}
	s.Lambda.Recycle()
}

// tableARN is how the templates call the table.
func tableARN() string {
	return "arn:aws:dynamodb:" + template.Region + ":" + template.Account + ":table/" + template.TableName
}
