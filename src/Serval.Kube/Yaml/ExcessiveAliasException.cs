using YamlDotNet.Core;

namespace Serval.Kube.Yaml;

/// <summary>Aliases make more of a document than is read (go.yaml.in/yaml/v2: decode.go, in its words).</summary>
public sealed class ExcessiveAliasException(in Mark start, in Mark end) : YamlException(start, end, "document contains excessive aliasing");
