namespace Serval.ApiServer.Http;

/// <summary>The group events.k8s.io.</summary>
internal static partial class ProtobufTable
{
    private const string Events = """
        Event@events.k8s.io/v1: 1 metadata ObjectMeta, 2 eventTime u, 3 series EventSeries, 4 reportingController s, 5 reportingInstance s, 6 action s, 7 reason s, 8 regarding ObjectReference, 9 related ObjectReference, 10 note s, 11 type s, 12 deprecatedSource EventSource, 13 deprecatedFirstTimestamp t, 14 deprecatedLastTimestamp t, 15 deprecatedCount i
        """;
}
