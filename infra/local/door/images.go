package door

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// Change is one change of a row, as a stream that shows new and old images tells it. An image that is not there is nil.
type Change struct {
	Event    string // INSERT, MODIFY or REMOVE
	PK, SK   string
	Sequence string // in the order of the changes
	New, Old map[string]json.RawMessage
}

// changes makes the stream of the table. The stand-in has one too, but numbers each record by going through all that
// were before it, so that its writes become slower with every write.
type changes struct {
	mu   sync.Mutex // held over a write and the reads around it, so that the images are those of this write
	last int64
}

// pass passes a request on and tells what a write has changed, in the order of the writes.
func (d *Door) pass(r *http.Request, q *request, body []byte) (int, http.Header, []byte, error) {
	switch q.operation {
	case "DescribeTable":
		return d.described(r, q, body)
	case "DescribeContinuousBackups":
		return d.backups(q)
	}
	if d.Tell == nil || !q.writes() || !d.settings.get(q.table).Stream {
		return d.forward(r, body)
	}
	d.changes.mu.Lock()
	defer d.changes.mu.Unlock()
	before, err := d.images(r, q)
	if err != nil {
		return 0, nil, nil, err
	}
	status, header, text, err := d.forward(r, body)
	if err != nil || status != http.StatusOK {
		return status, header, text, err
	}
	after, err := d.images(r, q)
	if err != nil {
		return 0, nil, nil, err
	}
	for _, it := range q.items {
		key := [2]string{it.leading, it.sort}
		c := Change{PK: key[0], SK: key[1], New: after[key], Old: before[key]}
		switch {
		case c.Old == nil && c.New == nil || c.Old != nil && c.New != nil && same(c.Old, c.New):
			continue // DynamoDB says nothing of a write that changes nothing
		case c.Old == nil:
			c.Event = "INSERT"
		case c.New == nil:
			c.Event = "REMOVE"
		default:
			c.Event = "MODIFY"
		}
		d.changes.last++
		c.Sequence = strconv.FormatInt(d.changes.last, 10)
		delete(before, key) // a row that is named twice has changed once
		delete(after, key)
		d.Tell(c)
	}
	return status, header, text, err
}

// images reads the rows that a write names.
func (d *Door) images(r *http.Request, q *request) (map[[2]string]map[string]json.RawMessage, error) {
	type keys struct {
		Keys           []map[string]map[string]string `json:"Keys"`
		ConsistentRead bool
	}
	var wanted []map[string]map[string]string
	seen := map[[2]string]bool{}
	for _, it := range q.items {
		if key := [2]string{it.leading, it.sort}; it.write && !seen[key] {
			seen[key] = true
			wanted = append(wanted, map[string]map[string]string{"PK": {"S": it.leading}, "SK": {"S": it.sort}})
		}
	}
	all := map[[2]string]map[string]json.RawMessage{}
	for len(wanted) > 0 {
		n := min(len(wanted), 100)
		body, err := json.Marshal(map[string]any{"RequestItems": map[string]keys{q.table: {Keys: wanted[:n], ConsistentRead: true}}})
		if err != nil {
			return nil, err
		}
		read, err := http.NewRequest(http.MethodPost, d.Endpoint+"/", bytes.NewReader(nil))
		if err != nil {
			return nil, err
		}
		read.Header = r.Header.Clone()
		read.Header.Set("X-Amz-Target", target+"BatchGetItem")
		status, _, text, err := d.forward(read, body)
		if err != nil {
			return nil, err
		}
		var out struct {
			Responses       map[string][]map[string]json.RawMessage
			UnprocessedKeys map[string]keys
		}
		if status != http.StatusOK || json.Unmarshal(text, &out) != nil {
			return nil, fmt.Errorf("door: read the images of a write: %d", status)
		}
		for _, row := range out.Responses[q.table] {
			all[[2]string{textOf(row["PK"]), textOf(row["SK"])}] = row
		}
		wanted = append(wanted[n:], out.UnprocessedKeys[q.table].Keys...)
	}
	return all, nil
}

func same(a, b map[string]json.RawMessage) bool {
	if len(a) != len(b) {
		return false
	}
	for name, v := range a {
		if !bytes.Equal(v, b[name]) {
			return false
		}
	}
	return true
}

// Record is a change as Lambda gives it to a function, without what the mapping adds.
func (c Change) Record(at time.Time) (map[string]json.RawMessage, error) {
	change := map[string]any{"ApproximateCreationDateTime": at.Unix(), "SequenceNumber": c.Sequence, "StreamViewType": "NEW_AND_OLD_IMAGES",
		"Keys": map[string]map[string]string{"PK": {"S": c.PK}, "SK": {"S": c.SK}}}
	size := 2*len(c.PK) + 2*len(c.SK)
	for name, image := range map[string]map[string]json.RawMessage{"NewImage": c.New, "OldImage": c.Old} {
		if image == nil {
			continue
		}
		change[name] = image
		for attribute, v := range image {
			size += len(attribute) + len(v)
		}
	}
	change["SizeBytes"] = size
	record := map[string]json.RawMessage{}
	for name, v := range map[string]any{"eventID": c.Sequence, "eventName": c.Event, "eventVersion": "1.1", "eventSource": "aws:dynamodb", "dynamodb": change} {
		text, err := json.Marshal(v)
		if err != nil {
			return nil, err
		}
		record[name] = text
	}
	return record, nil
}
