using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Api.GoText;

namespace Serval.ApiServer.Http;

/// <summary>
/// What is wrong with the options of a request. They are judged as an object of a kind of their own, all problems at once, in the words of
/// apimachinery's util/validation/field.
/// </summary>
internal sealed class OptionProblems(string kind, string group = "meta.k8s.io", string name = "")
{
    private readonly List<StatusCause> _causes = [];

    public void Unsupported(string field, string value, params ReadOnlySpan<string> supported) =>
        Add("FieldValueNotSupported", field, $"Unsupported value: {value}: supported values: {string.Join(", ", supported.ToArray().Select(Quote))}");

    public void Forbidden(string field, string why) => Add("FieldValueForbidden", field, $"Forbidden: {why}");

    public void Required(string field, string why) => Add("FieldValueRequired", field, $"Required value: {why}");

    public void Invalid(string field, string value, string why) => Add("FieldValueInvalid", field, $"Invalid value: {value}: {why}");

    public void Required(string field) => Add("FieldValueRequired", field, "Required value");

    public void TooLong(string field, int most) => Add("FieldValueTooLong", field, $"Too long: may not be more than {most} bytes");

    /// <summary>A text as it stands in a message; values of other types stand as they are.</summary>
    public static string Quote(string text) => GoQuote.Quote(text);

    /// <summary>Throws 422 when there is anything to say.</summary>
    public void Throw()
    {
        if (_causes.Count == 0)
        {
            return;
        }
        var all = string.Join(", ", _causes.Select(c => $"{c.Field}: {c.Message}"));
        var details = new JsonObject { ["group"] = group, ["kind"] = kind, ["name"] = name };
        foreach (var empty in details.Where(d => (string?)d.Value == "").Select(d => d.Key).ToList())
        {
            details.Remove(empty);
        }
        throw new ApiException(422, "Invalid", $"{kind}{(group.Length == 0 ? "" : "." + group)} \"{name}\" is invalid: {(_causes.Count == 1 ? all : $"[{all}]")}", _causes, details);
    }

    private void Add(string reason, string field, string message) => _causes.Add(new StatusCause(reason, message, field));
}
