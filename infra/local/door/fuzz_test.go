package door

import "testing"

// FuzzRead: whatever a function sends, the door knows every row of it or refuses it.
func FuzzRead(f *testing.F) {
	for operation, body := range map[string]string{
		"GetItem":            `{"TableName":"t","Key":{"PK":{"S":"ORG#a#TASK"},"SK":{"S":"1"}}}`,
		"PutItem":            `{"TableName":"t","Item":{"PK":{"S":"ORG#a#TASK"},"SK":{"S":"1"},"n":{"N":"1"}}}`,
		"Query":              `{"TableName":"t","IndexName":"GSI1","KeyConditionExpression":"#k = :k AND (GSI1SK > :s)","ExpressionAttributeNames":{"#k":"GSI1PK"},"ExpressionAttributeValues":{":k":{"S":"x"}}}`,
		"BatchGetItem":       `{"RequestItems":{"t":{"Keys":[{"PK":{"S":"a"},"SK":{"S":"1"}}]}}}`,
		"BatchWriteItem":     `{"RequestItems":{"t":[{"PutRequest":{"Item":{"PK":{"S":"a"}}}},{"DeleteRequest":{"Key":{"PK":{"S":"b"}}}}]}}`,
		"TransactWriteItems": `{"TransactItems":[{"Put":{"TableName":"t","Item":{"PK":{"S":"a"}}}},{"ConditionCheck":{"TableName":"t","Key":{"PK":{"S":"b"}}}}]}`,
		"TransactGetItems":   `{"TransactItems":[{"Get":{"TableName":"t","Key":{"PK":{"S":"a"}}}},null]}`,
		"DescribeTable":      `{"TableName":"t"}`,
		"Scan":               `{"TableName":"t"}`,
	} {
		f.Add(operation, []byte(body))
	}
	f.Fuzz(func(t *testing.T, operation string, body []byte) {
		q, err := read(operation, body)
		if err != nil {
			return
		}
		if operation == "Scan" || q.tables > 1 {
			t.Errorf("read(%s, %s) = %+v; want it refused", operation, body, q)
		}
		for _, it := range q.items {
			if it.leading == "" {
				t.Errorf("read(%s, %s) = a row without a partition", operation, body)
			}
		}
		if n := len(q.judgements()); n == 0 && len(q.items) > 0 {
			t.Errorf("read(%s, %s): nobody is asked", operation, body)
		}
		if _, err := read(operation, q.body); err != nil {
			t.Errorf("read(%s, %s) as it goes on = %v", operation, q.body, err)
		}
	})
}
