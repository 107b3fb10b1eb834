/** The foot of every form in a side panel, and what stands in the way of the whole form. */
import { useTranslation } from "react-i18next";
import type { Form } from "@/state/form";
import { Button, PriorityMark } from ".";

interface Props {
  form: Pick<Form<object>, "busy" | "dirty">;
  /** What is edited is on the server already: there is nothing to save until it was changed. */
  stored: boolean;
  onSave: () => void;
  /** Without it the panel's own cross is the way out. */
  onCancel?: () => void;
}

export function FormFoot({ form, stored, onSave, onCancel }: Props) {
  const { t } = useTranslation();
  return (
    <>
      <Button look="primary" onPress={onSave} isDisabled={form.busy || (stored && !form.dirty)}>
        {t(form.busy ? "saving" : "save")}
      </Button>
      {onCancel && (
        <Button look="quiet" onPress={onCancel}>
          {t("cancel")}
        </Button>
      )}
    </>
  );
}

export function FormFault({ form }: { form: Pick<Form<object>, "general"> }) {
  if (!form.general) return null;
  return (
    <div className="notice high all" role="alert">
      <PriorityMark priority="high" />
      <span>{form.general}</span>
    </div>
  );
}
