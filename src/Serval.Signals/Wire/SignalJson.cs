using System.Text.Json.Serialization;
using Serval.Kube;

namespace Serval.Signals;

/// <summary>How signals look on the wire.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, UseStringEnumConverter = true, RespectNullableAnnotations = true, RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(Frame<RevisionDemand>))]
[JsonSerializable(typeof(Frame<InstanceCapacity>))]
[JsonSerializable(typeof(Frame<IngressReport>))]
[JsonSerializable(typeof(Dictionary<string, UsedNow>))]
[JsonSerializable(typeof(ResolvedImage))]
internal sealed partial class SignalJson : JsonSerializerContext;
