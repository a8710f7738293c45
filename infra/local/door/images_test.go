package door_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"pixeltrack.io/platform/infra/local/calls"
	"pixeltrack.io/platform/infra/local/door"
	"pixeltrack.io/platform/infra/local/identity"
)

// told collects the changes of a door, as words: the event, the row, and n in its old and new image.
type told struct {
	mu  sync.Mutex
	all []string
}

func (c *told) tell(ch door.Change) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.all = append(c.all, strings.NewReplacer(`{"N":"`, "", `"}`, "").Replace(fmt.Sprintf("%s %s %s>%s", ch.Event, ch.SK, ch.Old["n"], ch.New["n"])))
}

func (c *told) take() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	defer func() { c.all = nil }()
	return c.all
}

func TestEveryChangeIsToldWithItsImages(t *testing.T) {
	w := start(t)
	ctx := context.Background()
	c := new(told)
	w.door.Tell = c.tell
	w.door.Set(w.table, door.Settings{Stream: true})
	writes := []string{"dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem", "dynamodb:BatchWriteItem", "dynamodb:ConditionCheckItem"}
	f := w.function("F", w.allow(writes, "P"))
	root := dynamodb.New(dynamodb.Options{Region: "us-east-1", BaseEndpoint: &w.url, Credentials: credentials.NewStaticCredentialsProvider(identity.Root, identity.RootSecret, "")})
	row := func(sk string, n int) map[string]types.AttributeValue {
		m := key("P", sk)
		m["n"] = &types.AttributeValueMemberN{Value: fmt.Sprint(n)}
		return m
	}
	put := func(client *dynamodb.Client, sk string, n int) error {
		_, err := client.PutItem(ctx, &dynamodb.PutItemInput{TableName: &w.table, Item: row(sk, n)})
		return err
	}
	tests := []struct {
		name string
		do   func() error
		fail bool
		want []string
	}{
		{"a new row", func() error { return put(f, "a", 1) }, false, []string{"INSERT a >1"}},
		{"another value", func() error { return put(f, "a", 2) }, false, []string{"MODIFY a 1>2"}},
		{"the same value", func() error { return put(f, "a", 2) }, false, nil},
		{"by the stack itself", func() error { return put(root, "a", 3) }, false, []string{"MODIFY a 2>3"}},
		{"an update", func() error {
			_, err := f.UpdateItem(ctx, &dynamodb.UpdateItemInput{TableName: &w.table, Key: key("P", "a"), UpdateExpression: aws.String("ADD n :one"),
				ExpressionAttributeValues: map[string]types.AttributeValue{":one": &types.AttributeValueMemberN{Value: "1"}}})
			return err
		}, false, []string{"MODIFY a 3>4"}},
		{"a refused condition", func() error {
			_, err := f.PutItem(ctx, &dynamodb.PutItemInput{TableName: &w.table, Item: row("a", 9), ConditionExpression: aws.String("attribute_not_exists(PK)")})
			return err
		}, true, nil},
		{"a transaction", func() error {
			_, err := f.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{
				{Put: &types.Put{TableName: &w.table, Item: row("b", 1)}}, {Delete: &types.Delete{TableName: &w.table, Key: key("P", "a")}},
				{ConditionCheck: &types.ConditionCheck{TableName: &w.table, Key: key("P", "c"), ConditionExpression: aws.String("attribute_not_exists(PK)")}}}})
			return err
		}, false, []string{"INSERT b >1", "REMOVE a 4>"}},
		{"a batch", func() error {
			_, err := f.BatchWriteItem(ctx, &dynamodb.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{w.table: {
				{PutRequest: &types.PutRequest{Item: row("c", 1)}}, {DeleteRequest: &types.DeleteRequest{Key: key("P", "b")}}, {DeleteRequest: &types.DeleteRequest{Key: key("P", "none")}}}}})
			return err
		}, false, []string{"INSERT c >1", "REMOVE b 1>"}},
		{"a write whose answer is lost", func() error {
			if err := w.faults.Add(calls.Plan{Kind: "timeout_after"}); err != nil {
				t.Fatal(err)
			}
			return put(f, "c", 2)
		}, true, []string{"MODIFY c 1>2"}},
	}
	for _, tt := range tests {
		if err := tt.do(); (err != nil) != tt.fail {
			t.Errorf("%s: %v", tt.name, err)
		}
		if got := c.take(); !slices.Equal(got, tt.want) {
			t.Errorf("%s: told %q; want %q", tt.name, got, tt.want)
		}
	}
}

func TestChangesOfOneRowAreToldInTheirOrder(t *testing.T) {
	w := start(t)
	c := new(told)
	w.door.Tell = c.tell
	w.door.Set(w.table, door.Settings{Stream: true})
	f := w.function("F", w.allow([]string{"dynamodb:UpdateItem"}, "P"))
	var wg sync.WaitGroup
	const n = 40
	for range n {
		wg.Go(func() {
			_, err := f.UpdateItem(context.Background(), &dynamodb.UpdateItemInput{TableName: &w.table, Key: key("P", "a"), UpdateExpression: aws.String("ADD n :one"),
				ExpressionAttributeValues: map[string]types.AttributeValue{":one": &types.AttributeValueMemberN{Value: "1"}}})
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	want := []string{"INSERT a >1"}
	for i := 1; i < n; i++ {
		want = append(want, fmt.Sprintf("MODIFY a %d>%d", i, i+1))
	}
	if got := c.take(); !slices.Equal(got, want) {
		t.Errorf("told %q; want %q", got, want)
	}
}
