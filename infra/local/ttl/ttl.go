// Package ttl deletes what has expired from the table, as DynamoDB does by itself: rows whose attribute is a number of
// seconds that has passed, though not by more than five years.
package ttl

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// oldest is how far in the past an expiry may lie; DynamoDB takes older ones for mistakes.
const oldest = 5 * 365 * 24 * time.Hour

// Marker is told of each deletion before it is made.
type Marker interface {
	ByTTL(pk, sk string) (undo func())
}

// Sweeper deletes expired rows.
type Sweeper struct {
	Client    *dynamodb.Client // of the stack itself
	Table     string
	Attribute string
	Stream    Marker

	mu   sync.Mutex
	last time.Time
}

// Sweep deletes every row that has expired by now and gives their number. A clock that jumped stands for the time in
// between, in which DynamoDB would have gone on deleting: how old an expiry may be counts from the last sweep.
func (s *Sweeper) Sweep(ctx context.Context, now time.Time) (int, error) {
	s.mu.Lock()
	if s.last.IsZero() || now.Before(s.last) {
		s.last = now
	}
	since := s.last
	s.last = now
	s.mu.Unlock()
	in := &dynamodb.ScanInput{TableName: &s.Table, FilterExpression: aws.String("#e <= :now AND #e > :oldest"),
		ProjectionExpression:      aws.String("PK, SK, #e"),
		ExpressionAttributeNames:  map[string]string{"#e": s.Attribute},
		ExpressionAttributeValues: map[string]types.AttributeValue{":now": number(now.Unix()), ":oldest": number(since.Add(-oldest).Unix())}}
	var (
		wg    sync.WaitGroup
		mu    sync.Mutex
		count int
		first error
		slots = make(chan struct{}, 8)
	)
	pages := dynamodb.NewScanPaginator(s.Client, in)
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return count, fmt.Errorf("ttl: %w", err)
		}
		for _, item := range page.Items {
			slots <- struct{}{}
			wg.Go(func() {
				defer func() { <-slots }()
				gone, err := s.delete(ctx, item)
				mu.Lock()
				defer mu.Unlock()
				if gone {
					count++
				}
				if err != nil && first == nil {
					first = err
				}
			})
		}
		wg.Wait()
	}
	return count, first
}

// delete removes a row unless its expiry has changed since it was read.
func (s *Sweeper) delete(ctx context.Context, item map[string]types.AttributeValue) (bool, error) {
	undo := s.Stream.ByTTL(text(item["PK"]), text(item["SK"]))
	_, err := s.Client.DeleteItem(ctx, &dynamodb.DeleteItemInput{TableName: &s.Table,
		Key:                       map[string]types.AttributeValue{"PK": item["PK"], "SK": item["SK"]},
		ConditionExpression:       aws.String("#e = :e"),
		ExpressionAttributeNames:  map[string]string{"#e": s.Attribute},
		ExpressionAttributeValues: map[string]types.AttributeValue{":e": item[s.Attribute]}})
	if err == nil {
		return true, nil
	}
	undo()
	var changed *types.ConditionalCheckFailedException
	if errors.As(err, &changed) {
		return false, nil
	}
	return false, fmt.Errorf("ttl: %w", err)
}

func number(n int64) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: strconv.FormatInt(n, 10)}
}

func text(v types.AttributeValue) string {
	s, _ := v.(*types.AttributeValueMemberS)
	if s == nil {
		return ""
	}
	return s.Value
}
