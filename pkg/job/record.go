package job

import (
	"encoding/json"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/guregu/dynamo/v2"
)

// Record is one change of the table, as its stream tells it.
type Record struct {
	ID       string `json:"eventID"`
	Name     string `json:"eventName"` // INSERT, MODIFY or REMOVE
	Identity struct {
		Type      string `json:"type"`
		Principal string `json:"principalId"`
	} `json:"userIdentity"`
	Change struct {
		Keys     Image   `json:"Keys"`
		New      Image   `json:"NewImage"`
		Old      Image   `json:"OldImage"`
		Sequence string  `json:"SequenceNumber"`
		At       float64 `json:"ApproximateCreationDateTime"` // epoch seconds, the same each time the record is given
	} `json:"dynamodb"`
}

// Expired says whether TTL deleted the row.
func (r Record) Expired() bool {
	return r.Name == "REMOVE" && r.Identity.Type == "Service" && r.Identity.Principal == "dynamodb.amazonaws.com"
}

// Image is a row in a stream record.
type Image map[string]types.AttributeValue

// UnmarshalJSON reads DynamoDB's JSON: {"PK":{"S":"…"}}.
func (i *Image) UnmarshalJSON(text []byte) error {
	var raw map[string]attribute
	if err := json.Unmarshal(text, &raw); err != nil {
		return err
	}
	*i = make(Image, len(raw))
	for k, v := range raw {
		(*i)[k] = v.value()
	}
	return nil
}

// Into reads the image into a row.
func (i Image) Into(row any) error { return dynamo.UnmarshalItem(dynamo.Item(i), row) }

// Text gives a text attribute, empty when there is none.
func (i Image) Text(name string) string {
	s, ok := i[name].(*types.AttributeValueMemberS)
	if !ok {
		return ""
	}
	return s.Value
}

// Number gives a number attribute as it is written, empty when there is none.
func (i Image) Number(name string) string {
	n, ok := i[name].(*types.AttributeValueMemberN)
	if !ok {
		return ""
	}
	return n.Value
}

type attribute struct {
	S    *string              `json:"S"`
	N    *string              `json:"N"`
	B    []byte               `json:"B"`
	BOOL *bool                `json:"BOOL"`
	NULL *bool                `json:"NULL"`
	M    map[string]attribute `json:"M"`
	L    []attribute          `json:"L"`
	SS   []string             `json:"SS"`
	NS   []string             `json:"NS"`
	BS   [][]byte             `json:"BS"`
}

func (a attribute) value() types.AttributeValue {
	switch {
	case a.S != nil:
		return &types.AttributeValueMemberS{Value: *a.S}
	case a.N != nil:
		return &types.AttributeValueMemberN{Value: *a.N}
	case a.BOOL != nil:
		return &types.AttributeValueMemberBOOL{Value: *a.BOOL}
	case a.M != nil:
		m := make(map[string]types.AttributeValue, len(a.M))
		for k, v := range a.M {
			m[k] = v.value()
		}
		return &types.AttributeValueMemberM{Value: m}
	case a.L != nil:
		l := make([]types.AttributeValue, len(a.L))
		for n, v := range a.L {
			l[n] = v.value()
		}
		return &types.AttributeValueMemberL{Value: l}
	case a.SS != nil:
		return &types.AttributeValueMemberSS{Value: a.SS}
	case a.NS != nil:
		return &types.AttributeValueMemberNS{Value: a.NS}
	case a.BS != nil:
		return &types.AttributeValueMemberBS{Value: a.BS}
	case a.B != nil:
		return &types.AttributeValueMemberB{Value: a.B}
	}
	return &types.AttributeValueMemberNULL{Value: true}
}
