package door_test

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"

	"pixeltrack.io/platform/infra/local/calls"
	"pixeltrack.io/platform/infra/local/door"
	"pixeltrack.io/platform/infra/local/dynoxide"
	"pixeltrack.io/platform/infra/local/iam"
	"pixeltrack.io/platform/infra/local/identity"
)

const tableARN = "arn:aws:dynamodb:us-east-1:000000000000:table/"

var (
	server *dynoxide.Server
	tables atomic.Int64 // made so far
)

func TestMain(m *testing.M) {
	code := 1
	defer func() { os.Exit(code) }()
	s, err := dynoxide.Start(context.Background(), "../../..")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return
	}
	defer s.Stop()
	server = s
	code = m.Run()
}

type world struct {
	recorder   calls.Recorder
	faults     calls.Faults
	identities *identity.Registry
	url        string
	table      string
	door       *door.Door
}

func start(t *testing.T) *world {
	t.Helper()
	w := &world{identities: identity.New(), table: fmt.Sprintf("door-%d", tables.Add(1))}
	root := dynamodb.New(dynamodb.Options{Region: "us-east-1", BaseEndpoint: &server.Endpoint, Credentials: credentials.NewStaticCredentialsProvider("a", "b", "")})
	if err := dynoxide.CreateTable(context.Background(), root, w.table); err != nil {
		t.Fatal(err)
	}
	w.door = door.New(server.Endpoint, w.identities, time.Now, &w.recorder, &w.faults)
	h := httptest.NewUnstartedServer(w.door)
	h.Config.ConnContext = door.Arrive
	h.Start()
	t.Cleanup(h.Close)
	w.url = h.URL
	return w
}

// function gives the client of a process of a function with a role, and the invocation it works on.
func (w *world) function(name string, statements ...iam.Statement) *dynamodb.Client {
	id := w.identities.Issue(name, &iam.Policy{Statements: statements})
	w.identities.Begin(id.AccessKey, "request-"+name)
	return dynamodb.New(dynamodb.Options{Region: "us-east-1", BaseEndpoint: &w.url, RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider(id.AccessKey, id.Secret, "")})
}

func (w *world) allow(actions []string, families ...string) iam.Statement {
	return iam.Statement{Effect: "Allow", Actions: actions, Resources: []string{tableARN + w.table, tableARN + w.table + "/index/GSI1"},
		Condition: map[string]map[string][]string{"ForAllValues:StringLike": {"dynamodb:LeadingKeys": families}, "Null": {"dynamodb:LeadingKeys": {"false"}}}}
}

func key(pk, sk string) map[string]types.AttributeValue {
	return map[string]types.AttributeValue{"PK": &types.AttributeValueMemberS{Value: pk}, "SK": &types.AttributeValueMemberS{Value: sk}}
}

func codeOf(err error) string {
	var e smithy.APIError
	if errors.As(err, &e) {
		return e.ErrorCode()
	}
	if err != nil {
		return "connection"
	}
	return ""
}

func TestTheRoleIsAskedForEveryItem(t *testing.T) {
	w := start(t)
	ctx := context.Background()
	all := []string{"dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query", "dynamodb:BatchGetItem", "dynamodb:ConditionCheckItem"}
	c := w.function("F", w.allow(all, "ORG#*#CLIENT"))
	put := func(pk string) types.TransactWriteItem {
		return types.TransactWriteItem{Put: &types.Put{TableName: &w.table, Item: key(pk, "1")}}
	}
	tests := []struct {
		name string
		do   func() error
		want string
	}{
		{"an allowed family", func() error {
			_, err := c.PutItem(ctx, &dynamodb.PutItemInput{TableName: &w.table, Item: key("ORG#a#CLIENT", "1")})
			return err
		}, ""},
		{"another family", func() error {
			_, err := c.PutItem(ctx, &dynamodb.PutItemInput{TableName: &w.table, Item: key("ORG#a#TASK", "1")})
			return err
		}, "AccessDeniedException"},
		{"another family in a batch", func() error {
			_, err := c.BatchGetItem(ctx, &dynamodb.BatchGetItemInput{RequestItems: map[string]types.KeysAndAttributes{w.table: {Keys: []map[string]types.AttributeValue{key("ORG#a#CLIENT", "1"), key("ORG#a#TASK", "1")}}}})
			return err
		}, "AccessDeniedException"},
		{"an allowed family of another table beside one in a transaction", func() error {
			other := put("ORG#a#CLIENT")
			other.Put.TableName = aws.String("other")
			_, err := c.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{other, put("ORG#a#CLIENT")}})
			return err
		}, "ValidationException"},
		{"two tables in a batch of writes", func() error {
			write := []types.WriteRequest{{PutRequest: &types.PutRequest{Item: key("ORG#a#CLIENT", "1")}}}
			_, err := c.BatchWriteItem(ctx, &dynamodb.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{w.table: write, "other": write}})
			return err
		}, "ValidationException"},
		{"another family in a transaction", func() error {
			_, err := c.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{put("ORG#a#CLIENT"), put("ORG#a#TASK")}})
			return err
		}, "AccessDeniedException"},
		{"an action inside a transaction that is not allowed", func() error {
			_, err := c.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{put("ORG#a#CLIENT"), {Delete: &types.Delete{TableName: &w.table, Key: key("ORG#b#CLIENT", "1")}}}})
			return err
		}, "AccessDeniedException"},
		{"a query", func() error {
			_, err := c.Query(ctx, &dynamodb.QueryInput{TableName: &w.table, KeyConditionExpression: aws.String("#p = :p AND begins_with(SK, :s)"), ExpressionAttributeNames: map[string]string{"#p": "PK"},
				ExpressionAttributeValues: map[string]types.AttributeValue{":p": &types.AttributeValueMemberS{Value: "ORG#a#CLIENT"}, ":s": &types.AttributeValueMemberS{Value: "1"}}})
			return err
		}, ""},
		{"a query of an index", func() error {
			_, err := c.Query(ctx, &dynamodb.QueryInput{TableName: &w.table, IndexName: aws.String("GSI1"), KeyConditionExpression: aws.String("GSI1PK=:p"),
				ExpressionAttributeValues: map[string]types.AttributeValue{":p": &types.AttributeValueMemberS{Value: "ORG#a#CLIENT"}}})
			return err
		}, ""},
		{"a query of another family", func() error {
			_, err := c.Query(ctx, &dynamodb.QueryInput{TableName: &w.table, KeyConditionExpression: aws.String("PK = :p"),
				ExpressionAttributeValues: map[string]types.AttributeValue{":p": &types.AttributeValueMemberS{Value: "ORG#a#TASK"}}})
			return err
		}, "AccessDeniedException"},
		{"a scan", func() error {
			_, err := c.Scan(ctx, &dynamodb.ScanInput{TableName: &w.table})
			return err
		}, "AccessDeniedException"},
		{"a statement in PartiQL", func() error {
			_, err := c.ExecuteStatement(ctx, &dynamodb.ExecuteStatementInput{Statement: aws.String(`SELECT * FROM "` + w.table + `"`)})
			return err
		}, "AccessDeniedException"},
		{"another table", func() error {
			_, err := c.GetItem(ctx, &dynamodb.GetItemInput{TableName: aws.String("another"), Key: key("ORG#a#CLIENT", "1")})
			return err
		}, "AccessDeniedException"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := codeOf(tt.do()); got != tt.want {
				t.Errorf("error = %q; want %q", got, tt.want)
			}
		})
	}
	if len(w.recorder.Denials()) != 10 {
		t.Errorf("%d denials are remembered; want 10", len(w.recorder.Denials()))
	}
}

func TestUnitsAreCounted(t *testing.T) {
	w := start(t)
	ctx := context.Background()
	c := w.function("F", w.allow([]string{"dynamodb:PutItem", "dynamodb:GetItem", "dynamodb:UpdateItem"}, "*"))
	if _, err := c.PutItem(ctx, &dynamodb.PutItemInput{TableName: &w.table, Item: key("a", "1")}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{
		{Put: &types.Put{TableName: &w.table, Item: key("b", "1")}}, {Put: &types.Put{TableName: &w.table, Item: key("c", "1")}}}}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.GetItem(ctx, &dynamodb.GetItemInput{TableName: &w.table, Key: key("a", "1"), ConsistentRead: aws.Bool(true)}); err != nil {
		t.Fatal(err)
	}
	want := calls.Cost{Trips: 3, Calls: 3, Read: 1, Write: 5}
	if got := calls.CostOf(w.recorder.OfRequest("request-F")); got != want {
		t.Errorf("cost = %+v; want %+v: a transaction costs double", got, want)
	}
}

func TestTransactionsThatMeetConflict(t *testing.T) {
	w := start(t)
	ctx := context.Background()
	c := w.function("F", w.allow([]string{"dynamodb:PutItem", "dynamodb:UpdateItem"}, "*"))
	transaction := func(shared string) error {
		_, err := c.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{
			{Put: &types.Put{TableName: &w.table, Item: key("own-"+shared, "1")}}, {Update: &types.Update{TableName: &w.table, Key: key(shared, "1"), UpdateExpression: aws.String("ADD n :one"),
				ExpressionAttributeValues: map[string]types.AttributeValue{":one": &types.AttributeValueMemberN{Value: "1"}}}}}})
		return err
	}
	if err := transaction("row"); err != nil {
		t.Fatal(err)
	}
	var (
		wg         sync.WaitGroup
		mu         sync.Mutex
		conflicts  int
		unexpected []error
	)
	for range 64 {
		wg.Go(func() {
			err := transaction("row")
			mu.Lock()
			defer mu.Unlock()
			var cancelled *types.TransactionCanceledException
			switch {
			case err == nil:
			case errors.As(err, &cancelled) && len(cancelled.CancellationReasons) == 2 && aws.ToString(cancelled.CancellationReasons[1].Code) == "TransactionConflict":
				conflicts++
			default:
				unexpected = append(unexpected, err)
			}
		})
	}
	wg.Wait()
	if conflicts == 0 || len(unexpected) > 0 {
		t.Errorf("64 transactions over one row: %d conflicts, unexpected %v; want some and none", conflicts, unexpected)
	}
	if err := transaction("row"); err != nil {
		t.Errorf("a transaction after all others: %v", err)
	}
}

func TestFaults(t *testing.T) {
	for _, tt := range []struct {
		kind, want string
		done       bool
	}{
		{"timeout_before", "connection", false},
		{"timeout_after", "connection", true},
		{"throttle", "ThrottlingException", false},
		{"error", "InternalServerError", false},
		{"conflict", "TransactionConflictException", false},
	} {
		t.Run(tt.kind, func(t *testing.T) {
			w := start(t)
			ctx := context.Background()
			c := w.function("F", w.allow([]string{"dynamodb:PutItem", "dynamodb:GetItem"}, "*"))
			if err := w.faults.Add(calls.Plan{Function: "F", Operation: "PutItem", Kind: tt.kind}); err != nil {
				t.Fatal(err)
			}
			_, err := c.PutItem(ctx, &dynamodb.PutItemInput{TableName: &w.table, Item: key("a", "1")})
			if got := codeOf(err); got != tt.want {
				t.Errorf("error = %q (%v); want %q", got, err, tt.want)
			}
			out, err := c.GetItem(ctx, &dynamodb.GetItemInput{TableName: &w.table, Key: key("a", "1")})
			if err != nil {
				t.Fatal(err)
			}
			if done := out.Item != nil; done != tt.done {
				t.Errorf("the row is there: %v; want %v", done, tt.done)
			}
		})
	}
}

func TestARevokedKeyIsNobody(t *testing.T) {
	w := start(t)
	id := w.identities.Issue("F", &iam.Policy{Statements: []iam.Statement{w.allow([]string{"dynamodb:GetItem"}, "*")}})
	c := dynamodb.New(dynamodb.Options{Region: "us-east-1", BaseEndpoint: &w.url, RetryMaxAttempts: 1, Credentials: credentials.NewStaticCredentialsProvider(id.AccessKey, id.Secret, "")})
	w.identities.Revoke(id.AccessKey)
	if _, err := c.GetItem(context.Background(), &dynamodb.GetItemInput{TableName: &w.table, Key: key("a", "1")}); codeOf(err) != "UnrecognizedClientException" {
		t.Errorf("error = %v; want UnrecognizedClientException", err)
	}
}
