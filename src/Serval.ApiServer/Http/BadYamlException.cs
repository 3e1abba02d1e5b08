namespace Serval.ApiServer.Http;

/// <summary>A body or patch that is no YAML. The message is upstream's, such as <c>yaml: line 2: did not find expected key</c>.</summary>
internal sealed class BadYamlException(string message) : Exception(message);
