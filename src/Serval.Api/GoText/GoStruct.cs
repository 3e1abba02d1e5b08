namespace Serval.Api.GoText;

/// <summary>Values of upstream's internal types as its messages show them: their fields have no names of JSON.</summary>
internal static class GoStruct
{
    /// <summary>A struct of texts.</summary>
    public static string Show(params ReadOnlySpan<(string Name, string Value)> fields) =>
        $"{{{string.Join(',', fields.ToArray().Select(f => $"\"{f.Name}\":{GoQuote.Quote(f.Value)}"))}}}";
}
