package door

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// request is what a call touches.
type request struct {
	operation string
	table     string
	index     string
	tables    int // of a batch or transaction
	items     []item
	body      []byte // asks for the units, whatever the caller asked for
}

// item is one row, or one partition, of a request.
type item struct {
	action  string // of a transaction: PutItem, UpdateItem, DeleteItem, ConditionCheckItem, GetItem
	leading string // the partition key
	sort    string
	write   bool
}

// on says that a request touches a table. The role is asked about one.
func (q *request) on(table string) {
	if q.table != table {
		q.table = table
		q.tables++
	}
}

func (q *request) transaction() bool {
	return q.operation == "TransactWriteItems" || q.operation == "TransactGetItems"
}

func (q *request) writes() bool {
	switch q.operation {
	case "PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem", "TransactWriteItems":
		return true
	}
	return false
}

func (q *request) target() string {
	if q.index != "" {
		return q.index
	}
	return q.table
}

type attribute struct {
	S *string `json:"S"`
}

func (a attribute) text() string {
	if a.S == nil {
		return ""
	}
	return *a.S
}

type part struct {
	TableName string
	Key       map[string]attribute
	Item      map[string]json.RawMessage
}

// key gives the partition and sort key of a row that is named or written.
func (p part) key() (string, string) {
	if p.Key != nil {
		return p.Key["PK"].text(), p.Key["SK"].text()
	}
	return textOf(p.Item["PK"]), textOf(p.Item["SK"])
}

func textOf(raw json.RawMessage) string {
	var a attribute
	if json.Unmarshal(raw, &a) != nil {
		return ""
	}
	return a.text()
}

// read finds out what a call touches. What it does not know it refuses: a scan, a statement, a table's own settings.
func read(operation string, body []byte) (*request, error) {
	q := &request{operation: operation}
	var err error
	switch operation {
	case "GetItem", "PutItem", "UpdateItem", "DeleteItem":
		var p part
		if err = json.Unmarshal(body, &p); err == nil {
			pk, sk := p.key()
			q.table, q.items = p.TableName, []item{{action: operation, leading: pk, sort: sk, write: operation != "GetItem"}}
		}
	case "Query":
		err = q.query(body)
	case "BatchGetItem":
		var in struct {
			RequestItems map[string]struct{ Keys []map[string]attribute }
		}
		err = json.Unmarshal(body, &in)
		for table, keys := range in.RequestItems {
			q.on(table)
			for _, k := range keys.Keys {
				q.items = append(q.items, item{action: "GetItem", leading: k["PK"].text(), sort: k["SK"].text()})
			}
		}
	case "BatchWriteItem":
		var in struct {
			RequestItems map[string][]struct{ PutRequest, DeleteRequest *part }
		}
		err = json.Unmarshal(body, &in)
		for table, writes := range in.RequestItems {
			q.on(table)
			for _, w := range writes {
				p := w.PutRequest
				if p == nil {
					p = w.DeleteRequest
				}
				if p == nil {
					return nil, fmt.Errorf("a write that is neither a put nor a delete")
				}
				pk, sk := p.key()
				q.items = append(q.items, item{leading: pk, sort: sk, write: true})
			}
		}
	case "TransactWriteItems", "TransactGetItems":
		var in struct {
			TransactItems []struct{ Put, Update, Delete, ConditionCheck, Get *part }
		}
		err = json.Unmarshal(body, &in)
		for _, t := range in.TransactItems {
			found := false
			for action, p := range map[string]*part{"PutItem": t.Put, "UpdateItem": t.Update, "DeleteItem": t.Delete, "ConditionCheckItem": t.ConditionCheck, "GetItem": t.Get} {
				if p == nil {
					continue
				}
				found = true
				pk, sk := p.key()
				q.on(p.TableName)
				q.items = append(q.items, item{action: action, leading: pk, sort: sk, write: action != "GetItem"})
			}
			if !found {
				return nil, fmt.Errorf("an item of a transaction that does nothing")
			}
		}
	case "DescribeTable", "DescribeTimeToLive", "DescribeContinuousBackups":
		var p part
		err = json.Unmarshal(body, &p)
		q.table = p.TableName
	default:
		return nil, refusal("AccessDeniedException", "%s is never allowed", operation)
	}
	if err != nil {
		return nil, fmt.Errorf("the request could not be read: %w", err)
	}
	if q.tables > 1 {
		return nil, errors.New("there is one table")
	}
	for _, it := range q.items {
		if it.leading == "" {
			return nil, fmt.Errorf("a key without a partition")
		}
	}
	if q.body = body; !strings.HasPrefix(operation, "Describe") {
		q.body, err = withUnits(body)
	}
	return q, err
}

func (q *request) query(body []byte) error {
	var in struct {
		TableName                 string
		IndexName                 string
		KeyConditionExpression    string
		ExpressionAttributeNames  map[string]string
		ExpressionAttributeValues map[string]json.RawMessage
		KeyConditions             map[string]struct {
			AttributeValueList []json.RawMessage
			ComparisonOperator string
		}
	}
	if err := json.Unmarshal(body, &in); err != nil {
		return err
	}
	q.table, q.index = in.TableName, in.IndexName
	hash := in.IndexName + "PK"
	leading := ""
	if c, ok := in.KeyConditions[hash]; ok && c.ComparisonOperator == "EQ" && len(c.AttributeValueList) == 1 {
		leading = textOf(c.AttributeValueList[0])
	}
	words := strings.Fields(strings.NewReplacer("(", " ", ")", " ", "=", " = ").Replace(in.KeyConditionExpression))
	for i := 0; i+2 < len(words); i++ {
		name := words[i]
		if n, ok := in.ExpressionAttributeNames[name]; ok {
			name = n
		}
		if name == hash && words[i+1] == "=" {
			leading = textOf(in.ExpressionAttributeValues[words[i+2]])
		}
	}
	q.items = []item{{action: "Query", leading: leading}}
	return nil
}

// withUnits makes a request ask for what it costs.
func withUnits(body []byte) ([]byte, error) {
	var all map[string]json.RawMessage
	if err := json.Unmarshal(body, &all); err != nil {
		return nil, fmt.Errorf("the request could not be read: %w", err)
	}
	if string(all["ReturnConsumedCapacity"]) == `"INDEXES"` {
		return body, nil
	}
	all["ReturnConsumedCapacity"] = json.RawMessage(`"TOTAL"`)
	return json.Marshal(all)
}
