package stack

import (
	"context"
	"fmt"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// Rows gives the raw rows of one partition, or of the whole table when it is empty.
func (s *Stack) Rows(ctx context.Context, pk string) ([]map[string]any, error) {
	rows := []map[string]any{}
	add := func(items []map[string]types.AttributeValue) {
		for _, item := range items {
			row := map[string]any{}
			for k, v := range item {
				row[k] = plain(v)
			}
			rows = append(rows, row)
		}
	}
	if pk != "" {
		pages := dynamodb.NewQueryPaginator(s.Table, &dynamodb.QueryInput{TableName: &s.Cloud.Table.Name, ConsistentRead: aws.Bool(true),
			KeyConditionExpression: aws.String("PK = :pk"), ExpressionAttributeValues: map[string]types.AttributeValue{":pk": &types.AttributeValueMemberS{Value: pk}}})
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				return nil, fmt.Errorf("rows: %w", err)
			}
			add(page.Items)
		}
		return rows, nil
	}
	pages := dynamodb.NewScanPaginator(s.Table, &dynamodb.ScanInput{TableName: &s.Cloud.Table.Name, ConsistentRead: aws.Bool(true)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("rows: %w", err)
		}
		add(page.Items)
	}
	return rows, nil
}

// plain makes an attribute what JSON would have it.
func plain(v types.AttributeValue) any {
	switch v := v.(type) {
	case *types.AttributeValueMemberS:
		return v.Value
	case *types.AttributeValueMemberN:
		if n, err := strconv.ParseInt(v.Value, 10, 64); err == nil {
			return n
		}
		f, err := strconv.ParseFloat(v.Value, 64)
		if err != nil {
			return v.Value
		}
		return f
	case *types.AttributeValueMemberBOOL:
		return v.Value
	case *types.AttributeValueMemberB:
		return v.Value
	case *types.AttributeValueMemberSS:
		return v.Value
	case *types.AttributeValueMemberNS:
		return v.Value
	case *types.AttributeValueMemberBS:
		return v.Value
	case *types.AttributeValueMemberL:
		list := []any{}
		for _, e := range v.Value {
			list = append(list, plain(e))
		}
		return list
	case *types.AttributeValueMemberM:
		m := map[string]any{}
		for k, e := range v.Value {
			m[k] = plain(e)
		}
		return m
	}
	return nil
}
