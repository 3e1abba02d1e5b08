using System.Text.Json;
using System.Text.Json.Serialization;
using Serval.Api.Access;
using Serval.Api.Apps;
using Serval.Api.Autoscaling;
using Serval.Api.Batch;
using Serval.Api.Core;
using Serval.Api.Crds;
using Serval.Api.Networking;
using Serval.Api.Policy;
using Serval.Api.Serving;

namespace Serval.Api;

/// <summary>Source-generated contracts of every typed view.</summary>
/// <remarks>
/// The generator sets every init-only property, to null when the JSON has no such field, so an initialiser alone is lost. Properties that are
/// never null are therefore written <c>{ get; init =&gt; field = value ?? field; } = …</c>; an explicit null then reads as absent too, as in Go.
/// </remarks>
[JsonSourceGenerationOptions(JsonSerializerDefaults.Web, PropertyNameCaseInsensitive = false, NumberHandling = JsonNumberHandling.Strict, MaxDepth = CanonicalJson.MaxWrappedDepth)]
[JsonSerializable(typeof(Pod))]
[JsonSerializable(typeof(Service))]
[JsonSerializable(typeof(ConfigMap))]
[JsonSerializable(typeof(CustomResourceDefinition))]
[JsonSerializable(typeof(Secret))]
[JsonSerializable(typeof(Namespace))]
[JsonSerializable(typeof(Node))]
[JsonSerializable(typeof(ResourceQuota))]
[JsonSerializable(typeof(Deployment))]
[JsonSerializable(typeof(ReplicaSet))]
[JsonSerializable(typeof(Job))]
[JsonSerializable(typeof(PodDisruptionBudget))]
[JsonSerializable(typeof(KService))]
[JsonSerializable(typeof(Configuration))]
[JsonSerializable(typeof(Revision))]
[JsonSerializable(typeof(Route))]
[JsonSerializable(typeof(DomainMapping))]
[JsonSerializable(typeof(HorizontalPodAutoscaler))]
[JsonSerializable(typeof(PodAutoscaler))]
[JsonSerializable(typeof(Metric))]
[JsonSerializable(typeof(KIngress))]
[JsonSerializable(typeof(ServerlessService))]
[JsonSerializable(typeof(Certificate))]
[JsonSerializable(typeof(ClusterDomainClaim))]
[JsonSerializable(typeof(EndpointSlice))]
[JsonSerializable(typeof(RoleView))]
[JsonSerializable(typeof(RoleBindingView))]
internal sealed partial class ViewJson : JsonSerializerContext;
