using Serval.Api;
using Serval.Kube;

namespace Serval.ApiServer.Store;

/// <summary>One committed change. For Deleted, <paramref name="New"/> is the last state with the version of the deletion.</summary>
internal readonly record struct StoreChange(long Version, KindTable Table, WatchEventType Type, KubeObject New, KubeObject? Old);
