// Decodes each YAML document of standard input into the types of the k8s.io packages that it is built with, strictly,
// as an API server does with fieldValidation=Strict. Prints a line for each bad document and exits 1 if there is one.
package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"

	"k8s.io/apimachinery/pkg/runtime/serializer/json"
	"k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/kubernetes/scheme"
)

func main() {
	options := json.SerializerOptions{Yaml: true, Strict: true}
	decoder := json.NewSerializerWithOptions(json.DefaultMetaFactory, scheme.Scheme, scheme.Scheme, options)
	reader := yaml.NewYAMLReader(bufio.NewReader(os.Stdin))
	documents, bad := 0, 0
	for {
		document, err := reader.Read()
		if err == io.EOF {
			break
		}
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		if len(bytes.TrimSpace(document)) == 0 {
			continue
		}
		documents++
		if _, kind, err := decoder.Decode(document, nil, nil); err != nil {
			fmt.Printf("%v: %v\n", kind, err)
			bad++
		}
	}
	if documents == 0 {
		fmt.Println("no documents")
	}
	if bad > 0 || documents == 0 {
		os.Exit(1)
	}
}
