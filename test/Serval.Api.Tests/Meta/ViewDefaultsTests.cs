using System.Collections;
using System.Reflection;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Serval.Api.Networking;

namespace Serval.Api.Tests.Meta;

/// <summary>A field that is absent, or null, reads as the view's default and never as null where the type says it is not null.</summary>
public sealed class ViewDefaultsTests
{
    private static readonly NullabilityInfoContext s_nullability = new();

    public static TheoryData<Type> Views => [.. typeof(KubeObject).Assembly.GetTypes()
        .Where(t => t.IsClass && t.GetInterfaces().Any(i => i.IsGenericType && i.GetGenericTypeDefinition() == typeof(IKubeView<>)))];

    [Theory]
    [MemberData(nameof(Views))]
    public void View_OfAnEmptyObject_HasNoNulls(Type view)
    {
        var contract = (JsonTypeInfo)view.GetProperty("JsonType", BindingFlags.Public | BindingFlags.Static)!.GetValue(null)!;
        AssertNoNulls(JsonSerializer.Deserialize("{}", contract)!, view.Name);
    }

    [Fact]
    public void View_OfNullFields_ReadsThemAsAbsent()
    {
        var ingress = KubeObject.Parse("""{"metadata":{"name":"a","labels":null},"spec":{"rules":[{"hosts":null}]},"status":null}"""u8.ToArray());
        Assert.Empty(ingress.Metadata.Labels);
        Assert.Empty(ingress.As<KIngress>().Spec.Rules[0].Hosts);
        Assert.Equal("", ingress.As<KIngress>().Spec.Rules[0].Visibility);
        Assert.Empty(ingress.As<KIngress>().Status.Conditions);
    }

    private static void AssertNoNulls(object value, string path)
    {
        foreach (var property in value.GetType().GetProperties(BindingFlags.Public | BindingFlags.Instance).Where(p => p.GetIndexParameters().Length == 0))
        {
            var found = property.GetValue(value);
            var mayBeNull = property.PropertyType.IsValueType || s_nullability.Create(property).ReadState == NullabilityState.Nullable;
            Assert.True(found is not null || mayBeNull, $"{path}.{property.Name} is null");
            if (found is not null and not string and not IEnumerable && property.PropertyType.Namespace!.StartsWith("Serval", StringComparison.Ordinal))
            {
                AssertNoNulls(found, $"{path}.{property.Name}");
            }
        }
    }
}
